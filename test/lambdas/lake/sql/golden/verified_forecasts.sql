SELECT f.location_id, f.issued_at, f.base_hour, f.target_hour, f.probability, f.will_rain, f.threshold, f.model_version, f.persistence_probability, f.plain_probability, f.joined_probability, f.voice, f.provider_probability, f.provider_precip_mm, f.provider_recalibrated,
  h.precip_mm, h.rained, h.settled_at, h.rain_threshold_mm,
  CASE
    WHEN h.rained AND f.will_rain THEN 'hit'
    WHEN h.rained THEN 'miss'
    WHEN f.will_rain THEN 'false alarm'
    ELSE 'correct negative'
  END AS outcome,
  power(f.probability - CASE WHEN h.rained THEN 1e0 ELSE 0e0 END, 2) AS squared_error,
  power(f.persistence_probability - CASE WHEN h.rained THEN 1e0 ELSE 0e0 END, 2) AS persistence_squared_error,
  f.dt
FROM "garoa"."forecasts" f
JOIN "garoa"."hourly_observations" h
  ON h.dt = f.dt AND h.location_id = f.location_id AND h.hour = f.target_hour
WHERE h.rained IS NOT NULL AND h.rain_threshold_mm IS NOT NULL
