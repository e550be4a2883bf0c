//! x
mod dotenv;
mod interpolate;
