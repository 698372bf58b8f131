"""news-producer: gets headlines from several sources, joins those that are one, writes `market-events`."""
