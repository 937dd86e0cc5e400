//! Text as vectors: features hashed into 256 places with a sign, so that collisions cancel out on average.

use async_trait::async_trait;
use feedback_core::{
    domain::Scrubbed,
    ports::{Embedder, PortError},
};

use crate::{
    LocalAi,
    features::{digest, features},
};

/// Changes whenever the same text may give another vector: features, weights, lists of words, dimensions.
const MODEL: &str = "local-ngrams-1";
const DIMENSIONS: usize = 256;
/// Set on the pairs below: above what reports of other things reach.
const THRESHOLD: f32 = 0.40;

#[async_trait]
impl Embedder for LocalAi {
    fn model(&self) -> &str {
        MODEL
    }

    fn dimensions(&self) -> usize {
        DIMENSIONS
    }

    fn threshold(&self) -> f32 {
        THRESHOLD
    }

    async fn embed(&self, texts: &[Scrubbed]) -> Result<Vec<Vec<f32>>, PortError> {
        Ok(texts.iter().map(|text| vector(text.as_str())).collect())
    }
}

fn vector(text: &str) -> Vec<f32> {
    let mut vector = vec![0.0_f32; DIMENSIONS];
    let features = features(text);
    for (&feature, &weight) in &features {
        let place = usize::try_from(feature % DIMENSIONS as u64).unwrap_or(0);
        vector[place] += if feature >> 63 == 0 { weight } else { -weight };
    }
    let length = vector.iter().map(|value| value * value).sum::<f32>().sqrt();
    if length > 1e-6 {
        vector.iter_mut().for_each(|value| *value /= length);
    } else if !features.is_empty() {
        // All of it cancelled out: a place of its own keeps the promise of unit length.
        vector[usize::try_from(digest(text) % DIMENSIONS as u64).unwrap_or(0)] = 1.0;
    }
    vector
}

#[cfg(test)]
mod tests {
    use super::*;

    fn cosine(a: &str, b: &str) -> f32 {
        vector(a).iter().zip(vector(b)).map(|(a, b)| a * b).sum()
    }

    /// Written for this test: two people about one thing.
    const SAME: [(&str, &str); 12] = [
        (
            "No puedo descargar la factura de octubre",
            "La descarga de facturas no anda",
        ),
        ("I cannot download my invoice", "No puedo descargar la factura"),
        ("The export to Excel never finishes", "Exporting to excel hangs forever"),
        (
            "La app se cierra al abrir el calendario",
            "App crashes when I open the calendar",
        ),
        (
            "Me cobraron dos veces la suscripción",
            "I was charged twice for my subscription",
        ),
        (
            "No me llega el correo para cambiar la contraseña",
            "Password reset email never arrives",
        ),
        (
            "Sincronizar con el calendario falla con error 504",
            "Error 504 al sincronizar calendario",
        ),
        ("La pantalla de pagos queda en blanco", "Pantalla en blanco en pagos"),
        (
            "Search returns nothing since yesterday",
            "The search box finds nothing at all",
        ),
        ("Al subir una foto da error", "Uploading a photo gives an error"),
        ("Los informes tardan muchísimo en cargar", "Reports load very slowly"),
        (
            "Can't log in with my account after the update",
            "Login to the account fails since last update",
        ),
    ];

    /// Written for this test: the same feature, another thing.
    const OTHER: [(&str, &str); 10] = [
        (
            "No puedo descargar la factura de octubre",
            "¿Pueden agregar un tema oscuro?",
        ),
        ("The export to Excel never finishes", "How do I invite a colleague?"),
        (
            "Me cobraron dos veces la suscripción",
            "La app se cierra al abrir el calendario",
        ),
        (
            "La pantalla de pagos queda en blanco",
            "No me llega el correo de bienvenida",
        ),
        (
            "Search returns nothing since yesterday",
            "The date format on my report is wrong",
        ),
        ("Al subir una foto da error", "Quiero cambiar el idioma de mi cuenta"),
        ("Reports load very slowly", "Password reset email never arrives"),
        ("Gracias, ya funciona", "Nadie en la sucursal puede facturar"),
        ("¿Cómo exporto mis contactos?", "El botón de imprimir no hace nada"),
        (
            "We need a second currency for quotes",
            "The printer label is cut off on the right",
        ),
    ];

    #[test]
    fn the_threshold_parts_the_written_pairs() {
        for (a, b) in SAME {
            assert!(cosine(a, b) >= THRESHOLD, "{:.2} {a} / {b}", cosine(a, b));
        }
        for (a, b) in OTHER {
            assert!(cosine(a, b) < THRESHOLD - 0.1, "{:.2} {a} / {b}", cosine(a, b));
        }
    }

    #[test]
    fn accents_case_and_placeholders_change_nothing() {
        assert!(cosine("La SESIÓN expiró, soy [NAME_1]", "la sesion expiro, soy [NAME_2]") > 0.999);
    }

    #[test]
    fn greetings_alone_have_a_vector_and_emoji_have_none() {
        assert!((cosine("Hola, gracias", "hola gracias") - 1.0).abs() < 1e-5);
        assert!(vector("👍🏽 …").iter().all(|value| *value == 0.0));
    }

    #[test]
    fn the_vector_of_a_text_stays_the_same_under_this_name() {
        let vector = vector("La factura no se descarga: error 504");
        let told = vector.iter().enumerate().filter(|(_, value)| **value != 0.0).take(6);
        let shown: Vec<String> = told.map(|(at, value)| format!("{at}:{value:.3}")).collect();
        assert_eq!(
            shown.join(" "),
            "7:0.031 14:-0.127 16:0.138 23:0.029 29:0.029 34:0.065",
            "another vector needs another name: stored vectors are compared by it"
        );
    }
}
