import unittest

import postage


class Price(unittest.TestCase):
    def test_each_ten_signs_begun_cost(self):
        self.assertEqual(postage.price("de", ""), 7)
        self.assertEqual(postage.price("de", "x" * 10), 7)
        self.assertEqual(postage.price("de", "x" * 11), 14)

    def test_a_stamp_names_the_country(self):
        self.assertEqual(postage.stamp("jp", "hello"), "JP-016")
