-- windows: the windows that correlations are held of, with how many live ones, the most first
SELECT "window", count(*) AS pairs, max(as_of) AS as_of FROM current_correlations
WHERE change <> 'gone' GROUP BY "window" ORDER BY count(*) DESC

-- pairs: the live correlations of one window among some symbols
SELECT symbol_a, symbol_b, r, n, p_value, as_of FROM current_correlations
WHERE "window" = $1 AND change <> 'gone' AND symbol_a = ANY($2::text[]) AND symbol_b = ANY($2::text[])

-- strongest: the symbols that have the strongest live correlations of one window
SELECT symbol FROM (
    SELECT symbol_a AS symbol, abs(r) AS r FROM current_correlations WHERE "window" = $1 AND change <> 'gone'
    UNION ALL
    SELECT symbol_b, abs(r) FROM current_correlations WHERE "window" = $1 AND change <> 'gone'
) ends GROUP BY symbol ORDER BY sum(r) DESC LIMIT $2
