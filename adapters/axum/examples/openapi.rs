//! Prints the description of the API: `cargo run -p feedback-axum --example openapi > docs/openapi.json`.

fn main() {
    print!("{}", feedback_axum::api::openapi());
}
