"""App + settings -> Plan: frozen records of what AWS is to hold, and the references between them. Pure."""
