-- Shifts are rows of the cursors: this table was never written.
DROP TABLE schedules;
