//! The forward pass with made-up weights, beside what the reference makes of them. The true weights are no part of the
//! repository: `examples/calibrate.rs` compares them with the reference before it measures.

use super::*;

/// Weights by the formulas of `small_encoder` in `tools/distil.py`.
#[derive(Default)]
struct Weights {
    bytes: Vec<u8>,
    made: i64,
}

impl Weights {
    fn number(&mut self, number: usize) {
        self.bytes.extend(u32::try_from(number).unwrap().to_le_bytes());
    }

    fn float(&mut self, float: f32) {
        self.bytes.extend(float.to_le_bytes());
    }

    fn codes(&mut self, count: i64) {
        self.made += 1;
        let made = self.made;
        let code = |at: i64| ((at * at % 10_007) * 31 + at * 17 + made * 101) % 19 - 9;
        self.bytes
            .extend((0..count).map(|at| i8::try_from(code(at)).unwrap().to_le_bytes()[0]));
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

    fn small() -> Vec<u8> {
        let mut made = Self::default();
        let pieces = [
            "<unk>", "<s>", "</s>", "▁", "▁fac", "tura", "▁no", "▁lle", "ga", "a", "e", "r", "o",
        ];
        made.bytes.extend(b"FHENCOD1");
        [pieces.len(), 6].into_iter().for_each(|number| made.number(number));
        made.float(1e-12);
        made.float(-20.0);
        for (at, piece) in pieces.iter().enumerate() {
            made.float(-3.0 - at as f32 / 10.0);
            made.bytes.push(u8::try_from(piece.len()).unwrap());
            made.bytes.extend(piece.bytes());
        }
        (0..pieces.len()).for_each(|_| made.float(0.125));
        made.made += 1;
        let code = |at: i64| u8::try_from(((at * at % 10_007) * 31 + at * 17 + 101) % 15 + 1).unwrap();
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
}

#[test]
fn the_forward_pass_is_that_of_the_reference() {
    let encoder = Encoder::read(&Weights::small()).unwrap();
    let expected: Vec<f32> = serde_json::from_str(include_str!("../../tests/small.json")).unwrap();
    for text in ["no llega factura", "  NO  llega\tFactura ", "no llega factura [NAME_1]"] {
        let vector = encoder.vector(text);
        assert_eq!(vector.len(), expected.len());
        for (value, expected) in vector.iter().zip(&expected) {
            assert!((value - expected).abs() < 2e-4, "{text}: {vector:?}");
        }
    }
}

#[test]
fn the_name_changes_with_the_weights() {
    let mut bytes = Weights::small();
    let name = Encoder::read(&bytes).unwrap().model().to_owned();
    *bytes.last_mut().unwrap() ^= 1;
    assert_ne!(Encoder::read(&bytes).unwrap().model(), name);
    assert!(name.starts_with("use-encoder-1-") && name.contains('@'), "{name}");
}

#[test]
fn a_damaged_file_is_refused() {
    let bytes = Weights::small();
    for end in (0..200).chain([5_000, 500_000, bytes.len() - 1]) {
        assert!(Encoder::read(&bytes[..end]).is_err(), "{end}");
    }
    let mut longer = bytes.clone();
    longer.push(0);
    assert!(Encoder::read(&longer).is_err());
    for at in (8..20).chain([150, 300]) {
        let mut wrong = bytes.clone();
        wrong[at] ^= 0x40;
        // Refused, or read as other weights; never a panic and never all memory.
        if let Ok(encoder) = Encoder::read(&wrong) {
            assert_eq!(encoder.vector("no llega").len(), encoder.dimensions());
        }
    }
}

#[test]
fn any_text_has_a_vector_of_length_one_or_none() {
    let encoder = Encoder::read(&Weights::small()).unwrap();
    for (text, length) in [("", 0.0), ("👍🏽 …", 0.0), ("日本", 1.0), ("12345", 1.0), ("no", 1.0)] {
        let found = encoder
            .vector(text)
            .iter()
            .map(|value| value * value)
            .sum::<f32>()
            .sqrt();
        assert!((found - length).abs() < 1e-3, "{text}: {found}");
    }
}
