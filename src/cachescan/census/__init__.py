"""Objects: what lies in a resource that outsiders can reach, or for all we know could."""
