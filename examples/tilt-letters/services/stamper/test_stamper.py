import unittest

import main


class Unstamped(unittest.TestCase):
    def test_only_letters_without_a_stamp(self):
        letters = [{"id": "1", "stamp": "DE-007"}, {"id": "2", "stamp": ""}]
        self.assertEqual([letter["id"] for letter in main.unstamped(letters)], ["2"])
