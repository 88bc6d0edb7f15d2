"""Search on Elasticsearch 8 and later."""
