"""The audit of GraphQL over HTTP: npm's `graphql-http` asks, the stand-in with the real plugin server answers."""
