-- When each company had its turn in the company graph, and what became of it. `cause`: the id of the record that was
-- written, in partition `partition` of company-fundamentals, before `next_offset`; null where no source had the company.
-- `said_from`: by partition, where graph-mutations ended before. `checked_at` is null while the enricher has not read
-- it, or the graph has not been compared with what followed.
CREATE TABLE company_visits (
    symbol       text        PRIMARY KEY,
    visited_at   timestamptz NOT NULL,
    cause        text,
    partition    integer,
    next_offset  bigint,
    said_from    bigint[]    NOT NULL,
    checked_at   timestamptz,
    relations    integer,
    faults       integer
);
CREATE INDEX company_visits_waiting ON company_visits (visited_at) WHERE checked_at IS NULL;
