//! Numbers that look drawn and are the same every time (splitmix64).

/// A seeded source.
pub(crate) struct Chance(u64);

impl Chance {
    pub(crate) fn new(seed: u64) -> Self {
        Self(seed.wrapping_mul(0x9e37_79b9_7f4a_7c15) ^ 0x5851_f42d_4c95_7f2d)
    }

    pub(crate) fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mixed = (self.0 ^ (self.0 >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        let mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^ (mixed >> 31)
    }

    pub(crate) fn below(&mut self, limit: usize) -> usize {
        (self.next() >> 11) as usize % limit.max(1)
    }

    pub(crate) fn of<'v, T>(&mut self, values: &'v [T]) -> &'v T {
        &values[self.below(values.len())]
    }

    pub(crate) fn digits(&mut self, count: usize) -> String {
        (0..count).map(|_| char::from(b'0' + self.below(10) as u8)).collect()
    }

    pub(crate) fn letters(&mut self, alphabet: &str, count: usize) -> String {
        let bytes = alphabet.as_bytes();
        (0..count).map(|_| char::from(*self.of(bytes))).collect()
    }

    /// `d` becomes a digit, `D` one from 1 to 9, `x` a hexadecimal digit, `A` a capital, `a` any letter or digit.
    pub(crate) fn shape(&mut self, shape: &str) -> String {
        shape
            .chars()
            .map(|c| match c {
                'd' => char::from(b'0' + self.below(10) as u8),
                'D' => char::from(b'1' + self.below(9) as u8),
                _ => c,
            })
            .collect()
    }
}
