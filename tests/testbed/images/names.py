"""What images of the test bed have in common, and by which they are found and removed."""

PREFIX = "localhost/chatsystem-testbed"
LABEL = "dev.chatsystem.testbed=true"
