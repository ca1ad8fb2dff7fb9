"""Dependencies and code of an app, made into the archive that Lambda runs.

`bundle.build` ties the stations together: requirements (what the project asks for), resolver (what that is on
the target), dependencies (the cached result), sources (the project's own files), bytecode, archive. Nothing
here imports the user's app.
"""
