"""The main job once, visibly: provision, deliver, reconcile, rotate; and what in place loses."""
