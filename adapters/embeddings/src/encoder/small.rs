//! An encoder of the true form, with few pieces and made-up weights: for tests, since the true weights are no part of the
//! repository.

/// The bytes of its file.
pub(crate) fn encoder() -> Vec<u8> {
    let mut made = Weights::default();
    let pieces = [
        "<unk>", "<s>", "</s>", "▁", "▁fac", "tura", "▁no", "▁lle", "ga", "a", "e", "r", "o",
    ];
    made.bytes.extend(b"FHENCOD1");
    [pieces.len(), 6].into_iter().for_each(|number| made.number(number));
    made.float(1e-12);
    made.float(-20.0);
    for (at, piece) in pieces.iter().enumerate() {
        made.float(-3.0 - at as f32 / 10.0);
        made.bytes
            .push(u8::try_from(piece.len()).expect("made-up numbers are small"));
        made.bytes.extend(piece.bytes());
    }
    (0..pieces.len()).for_each(|_| made.float(0.125));
    made.made += 1;
    let code =
        |at: i64| u8::try_from(((at * at % 10_007) * 31 + at * 17 + 101) % 15 + 1).expect("made-up numbers are small");
    made.bytes
        .extend((0..13 * 256).map(|at| code(2 * at) | code(2 * at + 1) << 4));
    made.matrix(512, 768, 0.004);
    [0.0, 1.0, 0.0].into_iter().for_each(|around| made.vector(768, around));
    for seen in [2, 3, 5] {
        for _ in 0..2 {
            made.matrix(seen * 256, 256, 0.002);
            made.vector(256, 0.0);
        }
    }
    made.vector(1280, 1.0);
    made.vector(1280, 0.0);
    made.matrix(1280, 512, 0.002);
    made.vector(512, 0.0);
    for (rows, columns) in [(512, 12), (12, 10), (10, 14), (14, 16), (512, 10), (10, 16)] {
        made.matrix(rows, columns, 0.01);
    }
    made.vector(16, 0.0);
    made.matrix(16, 6, 0.05);
    made.bytes
}

/// Weights by the formulas of `small_encoder` in `tools/distil.py`.
#[derive(Default)]
struct Weights {
    bytes: Vec<u8>,
    made: i64,
}

impl Weights {
    fn number(&mut self, number: usize) {
        self.bytes
            .extend(u32::try_from(number).expect("made-up numbers are small").to_le_bytes());
    }

    fn float(&mut self, float: f32) {
        self.bytes.extend(float.to_le_bytes());
    }

    fn codes(&mut self, count: i64) {
        self.made += 1;
        let made = self.made;
        let code = |at: i64| ((at * at % 10_007) * 31 + at * 17 + made * 101) % 19 - 9;
        self.bytes
            .extend((0..count).map(|at| i8::try_from(code(at)).expect("made-up numbers are small").to_le_bytes()[0]));
    }

    fn matrix(&mut self, rows: usize, columns: usize, scale: f32) {
        self.number(rows);
        self.number(columns);
        (0..columns).for_each(|_| self.float(scale));
        self.codes((rows * columns) as i64);
    }

    fn vector(&mut self, size: usize, around: f32) {
        self.made += 1;
        let made = self.made;
        self.number(size);
        (0..size as i64).for_each(|at| self.float(around + ((at * 13 + made * 7) % 17 - 8) as f32 / 64.0));
    }
}
