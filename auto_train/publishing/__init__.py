"""What is published: publications, their history and log, the mirror, rollback, migration."""
