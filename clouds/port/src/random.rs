//! A small seeded generator: the same seed, the same numbers, on every machine.

use std::time::Duration;

/// The increment of SplitMix64.
const GOLDEN: u64 = 0x9E37_79B9_7F4A_7C15;

/// SplitMix64: Steele, Lea and Flood, "Fast splittable pseudorandom number generators", OOPSLA
/// 2014, figure 16. Good enough for jitter and simulation; not for secrets.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Random(u64);

impl Random {
    /// A generator with a seed.
    pub const fn new(seed: u64) -> Self {
        Self(seed)
    }

    /// The generator that belongs to a seed and a path of words. What is drawn under one path never
    /// changes what is drawn under another, so that one more draw in one place leaves every other
    /// place alone.
    pub fn keyed(seed: u64, path: &[&str]) -> Self {
        let mut state = seed;
        for word in path {
            for &byte in word.as_bytes() {
                state = mix(state ^ u64::from(byte)).wrapping_add(GOLDEN);
            }
            // No byte of UTF-8 has this value, so "ab" + "c" and "a" + "bc" stay apart.
            state = mix(state ^ 0xFF).wrapping_add(GOLDEN);
        }
        Self(state)
    }

    /// The next 64 bits.
    pub fn bits(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(GOLDEN);
        mix(self.0)
    }

    /// A number below a bound, each as likely as the other; 0 for the bound 0. Lemire, "Fast random
    /// integer generation in an interval", 2019.
    pub fn below(&mut self, bound: u64) -> u64 {
        if bound == 0 {
            return 0;
        }
        let threshold = bound.wrapping_neg() % bound;
        loop {
            let product = u128::from(self.bits()) * u128::from(bound);
            // The low half decides whether this draw would favour some numbers.
            if product as u64 >= threshold {
                return (product >> 64) as u64;
            }
        }
    }

    /// True in so many of a million cases.
    pub fn chance(&mut self, per_million: u32) -> bool {
        self.below(1_000_000) < u64::from(per_million)
    }

    /// A time below a bound, in whole microseconds.
    pub fn time_below(&mut self, bound: Duration) -> Duration {
        Duration::from_micros(self.below(u64::try_from(bound.as_micros()).unwrap_or(u64::MAX)))
    }
}

const fn mix(mut z: u64) -> u64 {
    z = (z ^ (z >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
    z = (z ^ (z >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
    z ^ (z >> 31)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn it_is_splitmix64() {
        let mut random = Random::new(1_234_567);
        let drawn: Vec<u64> = (0..5).map(|_| random.bits()).collect();
        assert_eq!(
            drawn,
            [
                6_457_827_717_110_365_317,
                3_203_168_211_198_807_973,
                9_817_491_932_198_370_423,
                4_593_380_528_125_082_431,
                16_408_922_859_458_223_821,
            ]
        );
    }

    #[test]
    fn every_number_below_a_bound_is_about_as_likely() {
        let mut random = Random::new(1);
        let mut counts = [0_u32; 6];
        for _ in 0..60_000 {
            counts[usize::try_from(random.below(6)).unwrap()] += 1;
        }
        assert!(counts.iter().all(|&n| (9_500..10_500).contains(&n)), "{counts:?}");
    }

    #[test]
    fn paths_are_apart() {
        let first = |path: &[&str]| Random::keyed(7, path).bits();
        assert_ne!(first(&["ab", "c"]), first(&["a", "bc"]));
        assert_ne!(first(&["a"]), first(&["a", ""]));
        assert_eq!(first(&["boot", "vm-1"]), first(&["boot", "vm-1"]));
        assert_ne!(Random::keyed(7, &["a"]).bits(), Random::keyed(8, &["a"]).bits());
    }

    proptest! {
        #[test]
        fn draws_stay_below_their_bound(seed in any::<u64>(), bound in 1..u64::MAX) {
            prop_assert!(Random::new(seed).below(bound) < bound);
        }
    }
}
