//! One canonical ticket from every customer report, and the way back to the reporter.
