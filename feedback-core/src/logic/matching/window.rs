//! The vectors of the tickets that may be repeated, side by side in memory.

use std::collections::HashMap;

use crate::domain::{TicketId, Timestamp};

/// Vectors of one model, one for each ticket, as bytes in one piece of memory: 10,000 of 128 values are 1.3 MB, and are
/// compared in a fraction of a millisecond, so that no index is needed. A byte for each value moves a cosine by less than
/// 0.01.
#[derive(Debug, Clone)]
pub struct VectorWindow {
    dimensions: usize,
    codes: Vec<i8>,
    rows: Vec<Row>,
    places: HashMap<TicketId, usize>,
}

#[derive(Debug, Clone, Copy)]
struct Row {
    ticket: TicketId,
    created_at: Timestamp,
    /// What a code is worth; 0 for a text without content.
    scale: f32,
}

impl VectorWindow {
    /// An empty window for vectors of this length.
    pub fn new(dimensions: usize) -> Self {
        Self {
            dimensions,
            codes: Vec::new(),
            rows: Vec::new(),
            places: HashMap::new(),
        }
    }

    /// How many tickets it holds.
    pub fn len(&self) -> usize {
        self.rows.len()
    }

    /// True for one that holds none.
    pub fn is_empty(&self) -> bool {
        self.rows.is_empty()
    }

    /// Holds a ticket's vector, in place of the one before. A vector of another length is of another model, and left out.
    pub fn put(&mut self, ticket: TicketId, created_at: Timestamp, values: &[f32]) {
        if values.len() != self.dimensions {
            return;
        }
        let (codes, scale) = coded(values);
        let row = Row {
            ticket,
            created_at,
            scale,
        };
        if let Some(&place) = self.places.get(&ticket) {
            self.rows[place] = row;
            self.codes[place * self.dimensions..][..self.dimensions].copy_from_slice(&codes);
        } else {
            self.places.insert(ticket, self.rows.len());
            self.rows.push(row);
            self.codes.extend(codes);
        }
    }

    /// Lets go of one ticket.
    pub fn forget(&mut self, ticket: TicketId) {
        if let Some(place) = self.places.remove(&ticket) {
            self.remove(place);
        }
    }

    /// Lets go of tickets recorded before a time.
    pub fn forget_before(&mut self, time: Timestamp) {
        for place in (0..self.rows.len()).rev() {
            if self.rows[place].created_at < time {
                self.places.remove(&self.rows[place].ticket);
                self.remove(place);
            }
        }
    }

    /// The tickets whose vectors are nearest to this one, with their cosines, nearest first: at most `count`, recorded at
    /// `since` or later. A vector without content is near nothing.
    pub fn nearest(&self, values: &[f32], since: Timestamp, count: usize) -> Vec<(TicketId, f32)> {
        if values.len() != self.dimensions || self.dimensions == 0 || count == 0 {
            return Vec::new();
        }
        let (codes, scale) = coded(values);
        if scale == 0.0 {
            return Vec::new();
        }
        let wide: Vec<i16> = codes.iter().map(|&code| code.into()).collect();
        let mut nearest: Vec<(TicketId, f32)> = Vec::with_capacity(count + 1);
        let mut worst = f32::NEG_INFINITY;
        for (row, codes) in self.rows.iter().zip(self.codes.chunks_exact(self.dimensions)) {
            let cosine = dot(&wide, codes) as f32 * (scale * row.scale);
            if (nearest.len() == count && cosine <= worst) || row.created_at < since || row.scale == 0.0 {
                continue;
            }
            let place = nearest.partition_point(|(_, other)| *other >= cosine);
            nearest.insert(place, (row.ticket, cosine));
            nearest.truncate(count);
            worst = nearest.last().map_or(worst, |(_, cosine)| *cosine);
        }
        nearest
    }

    /// The last row takes the place of the removed one.
    fn remove(&mut self, place: usize) {
        let last = self.rows.len() - 1;
        self.rows.swap_remove(place);
        self.codes
            .copy_within(last * self.dimensions.., place * self.dimensions);
        self.codes.truncate(last * self.dimensions);
        if let Some(moved) = self.rows.get(place) {
            self.places.insert(moved.ticket, place);
        }
    }
}

/// A vector as bytes, and what one of them is worth so that the vector has length 1.
fn coded(values: &[f32]) -> (Vec<i8>, f32) {
    let largest = values.iter().fold(0.0_f32, |largest, value| largest.max(value.abs()));
    if largest <= f32::EPSILON || !values.iter().all(|value| value.is_finite()) {
        return (vec![0; values.len()], 0.0);
    }
    let codes: Vec<i8> = values
        .iter()
        .map(|value| (value / largest * 127.0).round() as i8)
        .collect();
    // Of the codes, not of the values: a vector is then nearest to itself, with cosine 1.
    let length = (dot_of_itself(&codes) as f32).sqrt();
    (codes, 1.0 / length)
}

fn dot_of_itself(codes: &[i8]) -> i32 {
    codes.iter().map(|&code| i32::from(code) * i32::from(code)).sum()
}

/// In words of 16 bits, of which processors multiply eight at a time without any special instructions being asked for.
fn dot(one: &[i16], other: &[i8]) -> i32 {
    one.iter()
        .zip(other)
        .map(|(&a, &b)| i32::from(a) * i32::from(i16::from(b)))
        .sum()
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use uuid::Uuid;

    use super::*;
    use crate::logic::matching::cosine;

    const START_MICROS: i64 = 1_790_000_000_000_000;

    fn at(hour: u64) -> Timestamp {
        Timestamp::from_unix_micros(START_MICROS)
            .unwrap()
            .plus(Duration::from_secs(3600 * hour))
    }

    fn id(number: u128) -> TicketId {
        TicketId::from_uuid(Uuid::from_u128(number))
    }

    /// Pseudo-random, the same in every run.
    fn vector(number: u128, dimensions: usize) -> Vec<f32> {
        let mut state = number as u64 ^ 0x9e37_79b9_7f4a_7c15;
        (0..dimensions)
            .map(|_| {
                state = state
                    .wrapping_mul(6_364_136_223_846_793_005)
                    .wrapping_add(1_442_695_040_888_963_407);
                ((state >> 40) as f32 / (1_u64 << 24) as f32) - 0.5
            })
            .collect()
    }

    #[test]
    fn the_nearest_are_those_of_an_exact_scan() {
        let mut window = VectorWindow::new(96);
        for number in 0..500 {
            window.put(id(number), at(1), &vector(number, 96));
        }
        let query = vector(7_777, 96);
        let mut exact: Vec<_> = (0..500)
            .map(|number| (id(number), cosine(&query, &vector(number, 96))))
            .collect();
        exact.sort_by(|a, b| b.1.total_cmp(&a.1));
        let found = window.nearest(&query, at(0), 10);
        assert_eq!(found.len(), 10);
        for ((_, cosine), (_, exact)) in found.iter().zip(&exact) {
            assert!((cosine - exact).abs() < 0.01, "{cosine} {exact}");
        }
    }

    #[test]
    fn a_vector_is_nearest_to_itself() {
        let mut window = VectorWindow::new(64);
        (0..50).for_each(|number| window.put(id(number), at(0), &vector(number, 64)));
        let found = window.nearest(&vector(33, 64), at(0), 1);
        assert_eq!(found[0].0, id(33));
        assert!((found[0].1 - 1.0).abs() < 1e-5);
    }

    #[test]
    fn what_is_forgotten_is_not_found_and_the_rest_stays() {
        let mut window = VectorWindow::new(8);
        (0..20).for_each(|number| window.put(id(number), at(number as u64), &vector(number, 8)));
        window.forget(id(19));
        window.forget(id(3));
        window.forget(id(3));
        window.forget_before(at(10));
        assert_eq!(window.len(), 9);
        for number in 10..19 {
            assert_eq!(window.nearest(&vector(number, 8), at(0), 1)[0].0, id(number));
        }
        let found: Vec<_> = window
            .nearest(&vector(1, 8), at(0), 99)
            .into_iter()
            .map(|(id, _)| id)
            .collect();
        assert!(!found.contains(&id(3)) && !found.contains(&id(19)) && found.len() == 9);
    }

    #[test]
    fn a_new_vector_takes_the_place_of_the_old_one() {
        let mut window = VectorWindow::new(8);
        window.put(id(1), at(0), &vector(1, 8));
        window.put(id(1), at(0), &vector(2, 8));
        assert_eq!(window.len(), 1);
        assert!(window.nearest(&vector(2, 8), at(0), 1)[0].1 > 0.999);
    }

    #[test]
    fn older_tickets_than_asked_for_are_left_out() {
        let mut window = VectorWindow::new(8);
        window.put(id(1), at(1), &vector(1, 8));
        window.put(id(2), at(5), &vector(2, 8));
        let found = window.nearest(&vector(1, 8), at(3), 9);
        assert_eq!(found.into_iter().map(|(id, _)| id).collect::<Vec<_>>(), [id(2)]);
    }

    #[test]
    fn vectors_without_content_or_of_another_length_are_near_nothing() {
        let mut window = VectorWindow::new(4);
        window.put(id(1), at(0), &[0.0; 4]);
        window.put(id(2), at(0), &[1.0; 5]);
        window.put(id(3), at(0), &[f32::NAN, 1.0, 0.0, 0.0]);
        assert!(window.nearest(&[1.0; 4], at(0), 9).is_empty());
        window.put(id(4), at(0), &[1.0; 4]);
        assert_eq!(window.nearest(&[1.0; 4], at(0), 9).len(), 1);
        assert!(window.nearest(&[0.0; 4], at(0), 9).is_empty());
        assert!(window.nearest(&[1.0; 5], at(0), 9).is_empty());
    }
}
