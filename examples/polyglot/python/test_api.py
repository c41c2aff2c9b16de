"""What the service computes, without a network."""

import unittest

from api import convert


class Convert(unittest.TestCase):
    def test_a_mile_is_5280_feet(self):
        self.assertEqual(convert(1, "mile", "foot"), 5280.0)

    def test_there_and_back(self):
        self.assertAlmostEqual(convert(convert(2, "mile", "metre"), "metre", "mile"), 2.0)


if __name__ == "__main__":
    unittest.main()
