"""EC2, Auto Scaling, DynamoDB and KMS."""
