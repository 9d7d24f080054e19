"""Speed figures: this collection beside amazon.aws and community.aws, and beside bare boto3. See README.md."""
