-- Each intention asks whether a bulk change was ordered since its number was reserved: not by reading all of them, whose bodies may be long.
CREATE INDEX bulk_change_ordered ON bulk_change (ordered_at);
