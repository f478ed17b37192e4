variable "name" {
  type = string
}

variable "size" {
  type = string
}

output "db_url" {
  value = "postgresql://${var.name}.${var.size}"
}

output "subnets" {
  value = "10.0.1.0/24,10.0.2.0/24"
}
