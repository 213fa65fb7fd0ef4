"""What is published, under faults and kills."""
