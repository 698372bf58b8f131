"""Days of scheduler, governor and sources on a virtual clock, against providers that are played here."""
