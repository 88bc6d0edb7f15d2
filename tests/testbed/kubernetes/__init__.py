"""A real Kubernetes cluster of one node for tests, in a machine of its own within this one; or the cluster that
CHATSYSTEM_TEST_KUBECONFIG names."""
