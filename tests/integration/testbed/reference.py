"""Where Skein goes beyond redis-server, a test says so: it is skipped when run against redis-server."""

import os
import unittest

from .servers import server_binary

TESTING_REDIS = os.path.basename(server_binary()) == "redis-server"
beyond_redis = unittest.skipIf(TESTING_REDIS, "redis-server does not do this")
