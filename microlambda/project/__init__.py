"""Reading the user's project: its settings, and the App that its files hold."""
