-- keep: store a version; one that is there already becomes the newest.
INSERT INTO universes (version, loaded_at, source, listings)
VALUES ($1, $2, $3, $4::text::jsonb)
ON CONFLICT (version) DO UPDATE SET loaded_at = greatest(universes.loaded_at, excluded.loaded_at);

-- keep_bundled: store the list that this program carries, once.
INSERT INTO universes (version, loaded_at, source, listings)
VALUES ($1, $2, $3, $4::text::jsonb)
ON CONFLICT (version) DO NOTHING;

-- newest: the list that was loaded last, unless none ever was.
SELECT version, loaded_at, source, listings::text AS listings FROM universes
WHERE source <> $1 ORDER BY loaded_at DESC, version DESC LIMIT 1;

-- by_version: one list.
SELECT version, loaded_at, source, listings::text AS listings FROM universes WHERE version = $1;

-- all: every version without its listings, the newest first.
SELECT version, loaded_at, source, jsonb_array_length(listings) AS listed FROM universes
ORDER BY source = $1, loaded_at DESC, version DESC;
