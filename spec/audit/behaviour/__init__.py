"""
What each suite's `behaviour.md` says, as functions over its tables.

One module per suite (hyphens become underscores) with `subgraphs(tables, *, strict)`, which gives the rules of every
subgraph that has any. A rule that `suites/README.md` states for all subgraphs is not repeated here.
"""
