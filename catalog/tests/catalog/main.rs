//! The catalog as its users meet it: small tables in, offers, routes and notices out.

#[cfg(test)]
mod bills;
#[cfg(test)]
mod builtin;
#[cfg(test)]
mod compliance;
#[cfg(test)]
mod directory;
#[cfg(test)]
mod egress;
#[cfg(test)]
mod hostile;
#[cfg(test)]
mod latency;
#[cfg(test)]
mod layers;
#[cfg(test)]
mod missing_price;
#[cfg(test)]
mod offers;
#[cfg(test)]
mod packed;
#[cfg(test)]
mod power;
#[cfg(test)]
mod regions;
