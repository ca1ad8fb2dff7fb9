"""`python -m microlambda`: the command line, for where the script is not on the path."""

from microlambda.cli.main import main

main(prog_name="microlambda")
