"""Report → text. No decisions are taken here."""
