"""Gateway API resources → the Istio resources that istiod makes of them (istiod: pilot/pkg/config/kube/gateway)."""
