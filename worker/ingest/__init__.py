"""The door: SQS messages become committed rows. The only room that talks to AWS."""
