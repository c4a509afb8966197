"""The IAM policy engine: documents to a closed form, and what they grant."""
