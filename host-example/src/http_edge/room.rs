//! Who is connected, and whether one more may be.

use std::{
    collections::HashMap,
    net::{IpAddr, Ipv6Addr},
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

/// Places for connections, of which one peer may have some. Clones share them.
#[derive(Debug, Clone)]
pub(super) struct Room {
    places: usize,
    per_peer: usize,
    taken: Arc<Mutex<Taken>>,
}

#[derive(Debug, Default)]
struct Taken {
    all: usize,
    by_peer: HashMap<IpAddr, usize>,
}

/// Why there is no place.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Full {
    /// For anybody.
    Hub,
    /// For this peer.
    Peer,
}

/// A taken place, given back when it is dropped.
#[derive(Debug)]
pub(super) struct Place {
    room: Room,
    peer: IpAddr,
}

impl Room {
    pub(super) fn new(places: usize, per_peer: usize) -> Self {
        Self {
            places,
            per_peer,
            taken: Arc::default(),
        }
    }

    /// A place for one connection of this peer. What the peer says of itself, as in `X-Forwarded-For`, is not asked.
    pub(super) fn enter(&self, address: IpAddr) -> Result<Place, Full> {
        let peer = peer(address);
        let mut taken = self.taken();
        if taken.all >= self.places {
            return Err(Full::Hub);
        }
        if taken.by_peer.get(&peer).copied().unwrap_or_default() >= self.per_peer {
            return Err(Full::Peer);
        }
        *taken.by_peer.entry(peer).or_default() += 1;
        taken.all += 1;
        let room = self.clone();
        Ok(Place { room, peer })
    }

    fn taken(&self) -> MutexGuard<'_, Taken> {
        self.taken.lock().unwrap_or_else(PoisonError::into_inner)
    }

    #[cfg(test)]
    pub(super) fn taken_places(&self) -> (usize, usize) {
        let taken = self.taken();
        (taken.all, taken.by_peer.len())
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        let mut taken = self.room.taken();
        taken.all -= 1;
        if let Some(of_peer) = taken.by_peer.get_mut(&self.peer) {
            *of_peer -= 1;
            if *of_peer == 0 {
                taken.by_peer.remove(&self.peer);
            }
        }
    }
}

/// Whom an address belongs to: in IPv6 a subscriber has a whole /64.
fn peer(address: IpAddr) -> IpAddr {
    match address.to_canonical() {
        IpAddr::V4(address) => IpAddr::V4(address),
        IpAddr::V6(address) => IpAddr::V6(Ipv6Addr::from_bits(address.to_bits() >> 64 << 64)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(address: &str) -> IpAddr {
        address.parse().unwrap()
    }

    #[test]
    fn one_peer_cannot_take_all_places_and_a_place_given_back_is_free() {
        let room = Room::new(3, 2);
        let first = room.enter(at("192.0.2.1")).unwrap();
        let _second = room.enter(at("192.0.2.1")).unwrap();
        assert_eq!(room.enter(at("192.0.2.1")).unwrap_err(), Full::Peer);
        let _other = room.enter(at("192.0.2.2")).unwrap();
        assert_eq!(room.enter(at("192.0.2.3")).unwrap_err(), Full::Hub);
        drop(first);
        let _third = room.enter(at("192.0.2.1")).unwrap();
        assert_eq!(room.taken_places(), (3, 2));
    }

    #[test]
    fn nothing_is_kept_of_peers_who_left_or_were_turned_away() {
        let room = Room::new(1, 1);
        let place = room.enter(at("192.0.2.1")).unwrap();
        assert!(room.enter(at("192.0.2.2")).is_err());
        drop(place);
        assert_eq!(room.taken_places(), (0, 0));
    }

    #[test]
    fn addresses_of_one_subscriber_are_one_peer() {
        let peers = |a, b| peer(at(a)) == peer(at(b));
        assert!(peers("2001:db8:0:7::1", "2001:db8:0:7:ffff::2"));
        assert!(!peers("2001:db8:0:7::1", "2001:db8:0:8::1"));
        assert!(peers("::ffff:192.0.2.1", "192.0.2.1"));
        assert!(!peers("::ffff:192.0.2.1", "::ffff:192.0.2.2"));
    }
}
