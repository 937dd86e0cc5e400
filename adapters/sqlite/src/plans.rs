//! The plan of every statement that the tests ran: none reads a whole table.
