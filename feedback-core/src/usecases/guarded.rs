//! Senders behind their gates: everything that writes to a person goes through the gate of the channel's provider.

use std::{collections::HashMap, sync::Arc};

use crate::{
    domain::Channel,
    ports::{ChannelSender, Gate, Guards},
};

/// A channel's sender, and the gate that its calls go through.
#[derive(Debug)]
pub(super) struct Guarded {
    pub(super) sender: Arc<dyn ChannelSender>,
    pub(super) gate: Arc<Gate>,
}

/// One sender for a channel, each behind its channel's gate.
pub(super) fn by_channel(
    senders: impl IntoIterator<Item = Arc<dyn ChannelSender>>,
    guards: &Guards,
) -> Arc<HashMap<Channel, Guarded>> {
    let guarded = |sender: Arc<dyn ChannelSender>| {
        let gate = guards.gate(sender.channel().as_str());
        (sender.channel(), Guarded { sender, gate })
    };
    Arc::new(senders.into_iter().map(guarded).collect())
}
