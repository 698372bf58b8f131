"""The job `company_graph`: companies in turn, from a profile to checked relations in the graph."""
