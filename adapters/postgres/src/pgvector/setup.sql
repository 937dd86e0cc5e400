-- A copy of the vectors that the server can search. It hangs on the hub's own table, whoever writes there: a trigger puts
-- what is put, in the same transaction, and what is removed takes its copy along.
CREATE TABLE IF NOT EXISTS ticket_vectors_near (
    ticket_id         uuid NOT NULL,
    model             text NOT NULL,
    dimensions        integer NOT NULL,
    ticket_created_at bigint NOT NULL,
    -- Of length 1.
    embedding         vector NOT NULL,
    PRIMARY KEY (ticket_id, model),
    FOREIGN KEY (ticket_id, model) REFERENCES ticket_vectors (ticket_id, model) ON DELETE CASCADE
);
CREATE INDEX IF NOT EXISTS ticket_vectors_near_by_time ON ticket_vectors_near (model, dimensions, ticket_created_at);

-- Little-endian f32 as numbers of a vector of length 1. NULL for a vector without content, for one with values that are
-- not finite, and for one that is longer than the extension takes: nothing is near those.
CREATE OR REPLACE FUNCTION near_values(bytes bytea) RETURNS real[] LANGUAGE plpgsql IMMUTABLE STRICT AS $$
DECLARE
    count integer := length(bytes) / 4;
    -- Taken apart byte by byte: so not out of the table's far storage each time.
    flat bytea := bytes || ''::bytea;
    values_read double precision[] := array_fill(0::double precision, ARRAY[count]);
    result real[];
    squares double precision := 0;
    high integer;
    low integer;
    exponent integer;
    fraction integer;
    value double precision;
BEGIN
    IF count NOT BETWEEN 1 AND 16000 THEN
        RETURN NULL;
    END IF;
    FOR at IN 0 .. count - 1 LOOP
        high := get_byte(flat, 4 * at + 3);
        low := get_byte(flat, 4 * at + 2);
        exponent := ((high & 127) << 1) | (low >> 7);
        fraction := ((low & 127) << 16) | (get_byte(flat, 4 * at + 1) << 8) | get_byte(flat, 4 * at);
        IF exponent = 255 THEN
            RETURN NULL;
        ELSIF exponent = 0 THEN
            value := fraction * power(2.0::double precision, -149);
        ELSE
            value := (8388608 + fraction) * power(2.0::double precision, exponent - 150);
        END IF;
        IF high >= 128 THEN
            value := -value;
        END IF;
        squares := squares + value * value;
        values_read[at + 1] := value;
    END LOOP;
    IF squares <= 1e-12 THEN
        RETURN NULL;
    END IF;
    squares := sqrt(squares);
    -- What is far below a real's smallest number would be an error: it is nothing.
    SELECT array_agg(CASE WHEN abs(one / squares) < 1e-37 THEN 0 ELSE one / squares END ORDER BY place) INTO result
        FROM unnest(values_read) WITH ORDINALITY AS all_of (one, place);
    RETURN result;
END $$;

CREATE OR REPLACE FUNCTION keep_near() RETURNS trigger LANGUAGE plpgsql SET search_path FROM CURRENT AS $$
DECLARE
    unit real[] := near_values(NEW.embedding);
BEGIN
    IF unit IS NULL THEN
        DELETE FROM ticket_vectors_near WHERE ticket_id = NEW.ticket_id AND model = NEW.model;
    ELSE
        INSERT INTO ticket_vectors_near AS known (ticket_id, model, dimensions, ticket_created_at, embedding)
        VALUES (NEW.ticket_id, NEW.model, NEW.dimensions, NEW.ticket_created_at, unit::vector)
        ON CONFLICT (ticket_id, model) DO UPDATE SET dimensions = excluded.dimensions,
            ticket_created_at = excluded.ticket_created_at, embedding = excluded.embedding
        -- A job that ran twice puts the same: the index need not learn it again.
        WHERE (known.dimensions, known.ticket_created_at) <> (excluded.dimensions, excluded.ticket_created_at)
            OR known.embedding <> excluded.embedding;
    END IF;
    RETURN NULL;
END $$;

DO $$
BEGIN
    IF NOT EXISTS (SELECT FROM pg_trigger WHERE tgrelid = 'ticket_vectors'::regclass AND tgname = 'keep_near') THEN
        CREATE TRIGGER keep_near AFTER INSERT OR UPDATE ON ticket_vectors FOR EACH ROW EXECUTE FUNCTION keep_near();
    END IF;
END $$;
