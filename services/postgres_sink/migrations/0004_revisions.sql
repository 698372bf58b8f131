-- Results that are corrected as bars come late: of one computing or fetch time the greatest revision counts.
ALTER TABLE technical_signals ADD COLUMN revision text COLLATE "C";
ALTER TABLE correlation_updates ADD COLUMN revision text COLLATE "C";
ALTER TABLE market_events ADD COLUMN revision text COLLATE "C";

CREATE OR REPLACE VIEW current_correlations AS
SELECT DISTINCT ON (symbol_a, symbol_b, "window") * FROM correlation_updates
ORDER BY symbol_a, symbol_b, "window", as_of DESC, computed_at DESC, content_hash DESC;

CREATE OR REPLACE VIEW current_signals AS
SELECT DISTINCT ON (symbol, indicator, "interval") * FROM technical_signals
ORDER BY symbol, indicator, "interval", ts DESC;
