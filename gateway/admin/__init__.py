"""The admin listener: health, readiness, metrics; and the management API and pages as they come."""
