//! The forward pass with made-up weights, beside what the reference makes of them. The true weights are no part of the
//! repository: `examples/calibrate.rs` compares them with the reference before it measures.

use super::{small::encoder as small, *};

#[test]
fn the_forward_pass_is_that_of_the_reference() {
    let encoder = Encoder::read(&small()).unwrap();
    let expected: Vec<f32> = serde_json::from_str(include_str!("../../tests/small.json")).unwrap();
    for text in ["no llega factura", "  NO  llega\tFactura ", "no llega factura [NAME_1]"] {
        let vector = encoder.vector(text);
        assert_eq!(vector.len(), expected.len() + words::dimensions());
        // The encoder's own part comes first, of length 1 before the word table's is put behind it.
        let length = (1.0 + OF_WORDS).sqrt();
        for (value, expected) in vector.iter().zip(&expected) {
            assert!((value * length - expected).abs() < 2e-4, "{text}: {vector:?}");
        }
    }
}

#[test]
fn the_name_changes_with_the_weights() {
    let mut bytes = small();
    let name = Encoder::read(&bytes).unwrap().model().to_owned();
    *bytes.last_mut().unwrap() ^= 1;
    assert_ne!(Encoder::read(&bytes).unwrap().model(), name);
    assert!(name.starts_with("use-encoder-3-") && name.contains('@'), "{name}");
}

#[test]
fn a_damaged_file_is_refused() {
    let bytes = small();
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
    let encoder = Encoder::read(&small()).unwrap();
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
