"""Config dump × request → what one Envoy does with it. Knows Envoy's documents and no Istio."""
