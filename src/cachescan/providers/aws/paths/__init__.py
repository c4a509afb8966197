"""Ways into a bucket beside its own policy and ACL; each module yields grants from the record."""
