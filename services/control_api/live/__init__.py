"""What happens now: one reader of the log for all clients, and a bounded mailbox for each."""
