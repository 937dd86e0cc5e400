//! What browsers send, read into types: what cannot be read is answered with a page, like everything else.

use axum::{
    Form,
    extract::{FromRequest, FromRequestParts, Path, Query, Request},
    http::request::Parts,
    response::Response,
};
use feedback_core::domain::PageRequest;
use serde::{Deserialize, de::DeserializeOwned};

use super::problem;

/// The parts of the address. There is nothing at an address that cannot be read.
pub(crate) struct Address<T>(pub(crate) T);

impl<S, T> FromRequestParts<S> for Address<T>
where
    S: Send + Sync,
    T: DeserializeOwned + Send,
{
    type Rejection = Response;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, Response> {
        let path = Path::from_request_parts(parts, state).await;
        path.map(|Path(address)| Self(address))
            .map_err(|_| problem::not_found())
    }
}

/// What stands behind the question mark.
pub(crate) struct Asked<T>(pub(crate) T);

impl<S, T> FromRequestParts<S> for Asked<T>
where
    S: Send + Sync,
    T: DeserializeOwned,
{
    type Rejection = Response;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, Response> {
        let query = Query::from_request_parts(parts, state).await;
        query
            .map(|Query(asked)| Self(asked))
            .map_err(|_| problem::invalid("This address cannot be read.", "/tickets"))
    }
}

/// Where a list begins. A cursor that cannot be read is the list's first page.
#[derive(Deserialize, Default)]
pub(crate) struct ListFrom {
    #[serde(default)]
    cursor: String,
}

impl ListFrom {
    pub(crate) fn request(&self) -> PageRequest {
        PageRequest {
            after: self.cursor.parse().ok(),
            ..PageRequest::default()
        }
    }
}

/// The fields of a form.
pub(crate) struct Sent<T>(pub(crate) T);

impl<S, T> FromRequest<S> for Sent<T>
where
    S: Send + Sync,
    T: DeserializeOwned,
{
    type Rejection = Response;

    async fn from_request(request: Request, state: &S) -> Result<Self, Response> {
        let form = Form::from_request(request, state).await;
        form.map(|Form(sent)| Self(sent))
            .map_err(|_| problem::invalid("This form is not complete.", "/tickets"))
    }
}
