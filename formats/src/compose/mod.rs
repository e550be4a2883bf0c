//! x
mod dotenv;
mod interpolate;
mod quantity;
mod scalar;
mod words;
